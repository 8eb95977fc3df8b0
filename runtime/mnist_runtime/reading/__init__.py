"""Read all digits of a picture, a video or a camera, and draw the results."""
