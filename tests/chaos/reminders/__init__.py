"""Reminders under fire: simulated days pass, everybody dies at random, and each thing is said once."""
