"""The desk: the process around alerts; turns the hits of `risk.alerts` into alerts and cases."""
