"""Private PostgreSQL and RabbitMQ instances for the suite, and what starts and ends processes."""
