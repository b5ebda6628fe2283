"""Error e-mails through the platform: kept at once, mailed by a worker, a storm as one mail a minute."""
