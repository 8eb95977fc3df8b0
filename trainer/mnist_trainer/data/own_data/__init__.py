"""The user's own images: load them, divide them into training and test images, and warn of likely mistakes."""
