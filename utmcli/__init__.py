"""The appliance shell."""
