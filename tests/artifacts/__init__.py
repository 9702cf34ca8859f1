"""What `sam build` made, looked at and run by itself: `make build` runs this part, as it needs the network once."""
