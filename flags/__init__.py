"""The command line: absl flag definitions, and the drivers that read them.

Imported as `fbnetv2_tf.flags` and under no other name: a second copy would define every flag twice.
"""

from __future__ import annotations

if __name__ != "fbnetv2_tf.flags":
    raise ImportError(
        f"The folder `flags` must be imported as 'fbnetv2_tf.flags'. Received: {__name__!r}."
    )
