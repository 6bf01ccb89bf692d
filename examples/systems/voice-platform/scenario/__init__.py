"""The whole system as processes: run plainly, under kills, and rebuilt; compared with a plain fold over the log."""
