"""The columns of every Stripe table, one module per area of the vendor's API."""
