"""The catchment.yaml that ``catchment init`` writes."""

TEMPLATE = """\
# Catchment: which accounts to sync, and where to. Paths are relative to this file.
# ${NAME} is read from the environment when a command needs it; ${NAME:-default} has a default;
# $${ is a literal ${. Keep secrets out of this file.

warehouse: duckdb:///warehouse.duckdb     # the tables: one schema for each source
state: sqlite:///.catchment/state.db      # runs, rate limits, renewed tokens; losing it loses no row

sources:
  stripe_live:                            # the name of the schema in the warehouse
    connector: stripe
    credentials:
      api_key: "${STRIPE_API_KEY}"        # a secret or a restricted key
    schedule: {every: 3h}                 # or {times: ["02:00", "14:00"], timezone: Europe/Paris}

    # All below is optional.
    # collections: [default, "!events"]   # names and patterns; !x leaves out
    # start_date: 2024-01-01              # nothing created before
    # rate_limit: {per_second: 50}        # replaces the connector's own limits
    # timeouts: {connect: 10s, read: 30s, stall: 10m}
    # webhook_secrets: ["${STRIPE_WEBHOOK_SECRET}"]
    # base_url: https://api.stripe.com

  # support:
  #   connector: zendesk
  #   credentials:
  #     subdomain: acme
  #     client_id: "${ZENDESK_CLIENT_ID}"     # an OAuth client; Zendesk ends API tokens on 2027-04-30
  #     client_secret: "${ZENDESK_CLIENT_SECRET}"

  # crm:
  #   connector: salesforce
  #   credentials:
  #     login_url: https://acme.my.salesforce.com
  #     client_id: "${SALESFORCE_CLIENT_ID}"  # an External Client App with the client credentials flow
  #     client_secret: "${SALESFORCE_CLIENT_SECRET}"
"""
