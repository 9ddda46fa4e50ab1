/* Money that leaves an order for its customer. Amounts in minor units. */
create type ledger.returned_money as (
  wallet_amount bigint,
  credit_amount bigint,
  payout_amount bigint
);
comment on type ledger.returned_money is
  'wallet: back into the wallet it came from; credit: paid from outside, now in the wallet; payout: paid from outside, to be paid out.';

/* The wallet gets back first what it paid; what came from outside goes to p_to, wallet or original. */
create function ledger.split_return(p_order public.orders, p_amount bigint, p_to text)
returns ledger.returned_money
language sql immutable
return row(
  least(p_amount, (p_order).wallet_amount - (p_order).wallet_refunded_amount),
  case when p_to = 'wallet' then greatest(p_amount - (p_order).wallet_amount + (p_order).wallet_refunded_amount, 0) else 0 end,
  case when p_to = 'wallet' then 0 else greatest(p_amount - (p_order).wallet_amount + (p_order).wallet_refunded_amount, 0) end
)::ledger.returned_money;
comment on function ledger.split_return(public.orders, bigint, text) is
  'How an amount that goes back divides between the wallet it came from, new wallet credit and a payout.';

create function ledger.return_legs(p_money ledger.returned_money)
returns ledger.posting_leg[]
language sql immutable
return array[
  row('order_escrow', 'wallet', (p_money).wallet_amount + (p_money).credit_amount),
  row('order_escrow', 'refunds_payable', (p_money).payout_amount)
]::ledger.posting_leg[];
comment on function ledger.return_legs(ledger.returned_money) is 'Postings of money that goes back to the customer.';
