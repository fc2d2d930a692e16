"""The builders: text to Keras models and supernets, the zoo, child weights, export.

Imported as `fbnetv2_tf.builders` and under no other name: a second copy of a Keras class would load
back as another class.
"""

from __future__ import annotations

if __name__ != "fbnetv2_tf.builders":
    raise ImportError(
        f"The folder `builders` must be imported as 'fbnetv2_tf.builders'. Received: {__name__!r}."
    )
