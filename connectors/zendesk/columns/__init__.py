"""The columns of every Zendesk table, one module per area of the product."""
