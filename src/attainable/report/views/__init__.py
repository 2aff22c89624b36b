"""What the report shows, as data: each view is a pure function of an Analysis. Drawing them is somebody else's job."""
