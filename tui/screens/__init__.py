"""The app's screens, named by what a person does there."""
