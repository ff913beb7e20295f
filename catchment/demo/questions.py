"""What an analyst would ask of the demo's warehouse: one app's money, and three apps joined by people and firms."""

# Amounts are whole numbers of a currency's smallest unit: how many of its digits are decimals is the currency's own.
EXPONENTS = """exponents(currency, digits) as (values
  ('jpy', 0), ('krw', 0), ('vnd', 0), ('clp', 0), ('xaf', 0), ('kwd', 3), ('bhd', 3), ('omr', 3), ('tnd', 3))"""

# What the apps have in common is people: the same e-mail address, whatever its case, and firms: what follows the @.
QUESTIONS = {
    "Revenue by month": f"""
        with {EXPONENTS}
        select left(cast(date_trunc('month', c.created) as varchar), 7) as month, c.currency, count(*) as charges,
               sum(c.amount - c.amount_refunded) / power(10, coalesce(e.digits, 2)) as revenue
        from shop.charges c left join exponents e using (currency)
        where c.status = 'succeeded' and c._deleted_at is null and c.amount < 1e12
        group by 1, 2, e.digits order by month desc, revenue desc limit 10""",
    "Monthly recurring revenue": f"""
        with {EXPONENTS}, terms as (
          select i.quantity * p.unit_amount
                   / (cast(p.recurring->>'interval_count' as int) * case p.recurring->>'interval'
                        when 'day' then 12 / 365.0 when 'week' then 12 / 52.0 when 'month' then 1 else 12 end
                     ) as monthly,
                 p.currency
          from shop.subscriptions s
          join shop.subscription_items i on i.subscription_id = s.id and i._deleted_at is null
          join shop.prices p on p.id = i.price_id
          where s.status in ('active', 'past_due') and s._deleted_at is null)
        select currency, count(*) as items,
               cast(sum(monthly) / power(10, coalesce(min(digits), 2)) as decimal(18, 2)) as mrr
        from terms left join exponents using (currency) group by currency order by mrr desc""",
    "Refund rate by country of the card": """
        select coalesce(payment_method_details->'card'->>'country', 'none') as country, count(*) as charges,
               sum(case when amount_refunded > 0 then 1 else 0 end) as refunded,
               round(100.0 * sum(case when amount_refunded > 0 then 1 else 0 end) / count(*), 1) as percent
        from shop.charges where status = 'succeeded' and _deleted_at is null
        group by 1 order by charges desc limit 10""",
    "Which accounts have open tickets and a failed charge? (Salesforce, Zendesk and Stripe, by e-mail)": """
        with troubled as (
          select lower(k.email) as email, count(*) as failed from shop.charges c
          join shop.customers k on k.id = c.customer_id
          where c.status = 'failed' and k._deleted_at is null group by 1),
        asking as (
          select lower(u.email) as email, count(*) as open from support.tickets t
          join support.users u on u.id = t.requester_id
          where t.status in ('new', 'open', 'pending', 'hold') and t._deleted_at is null group by 1)
        select a.name as account, count(*) as contacts, sum(asking.open) as open_tickets,
               sum(troubled.failed) as failed_charges
        from crm.contacts c
        join crm.accounts a on a.id = c.account_id and a._deleted_at is null
        join troubled on troubled.email = lower(c.email) join asking on asking.email = lower(c.email)
        where c._deleted_at is null group by a.id, a.name
        order by open_tickets desc, failed_charges desc, account limit 10""",
    "Do customers who talk to support stay? (by firm: the domain of their e-mail)": """
        with firms as (
          select lower(split_part(k.email, '@', 2)) as firm, count(*) as subscriptions,
                 sum(case when s.status = 'canceled' then 1 else 0 end) as canceled
          from shop.subscriptions s join shop.customers k on k.id = s.customer_id
          where k.email is not null group by 1),
        talking as (
          select distinct lower(split_part(u.email, '@', 2)) as firm from support.tickets t
          join support.users u on u.id = t.requester_id where t._deleted_at is null)
        select case when talking.firm is null then 'never' else 'yes' end as talks_to_support,
               count(*) as firms, sum(subscriptions) as subscriptions,
               round(100.0 * sum(subscriptions - canceled) / sum(subscriptions), 1) as percent_kept
        from firms left join talking using (firm) group by 1 order by 1 desc""",
}
