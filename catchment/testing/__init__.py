"""The kit that judges a connector: what a warehouse must hold by the vendor's raw objects, and whether it does."""
