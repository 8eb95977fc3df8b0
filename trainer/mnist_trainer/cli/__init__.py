"""The commands ``mnist-train`` and ``mnist-evaluate``, and what all click commands of the toolkit share."""
