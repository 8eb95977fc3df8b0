"""What the study of quantizers compares."""
