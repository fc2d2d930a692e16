"""The report of a run: one HTML file without scripts that shows what was found, and how.

Everything comes from the files of the run folder, so a report can be made again at any time and
needs neither Keras nor TensorFlow. `record` reads, the modules named after pictures draw, `page`
puts them together.
"""

from .page import compare as compare
from .page import write_report as write_report
