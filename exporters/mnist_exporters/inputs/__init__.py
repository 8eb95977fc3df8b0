"""What an export starts from: the original model, calibration images, golden digits, extreme images."""
