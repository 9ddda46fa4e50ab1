insert into public.stock_movements
  (variant_id, slot, slot_version, quantity, on_hand_after, reason, order_id, actor_id, created_at)
select m.variant_id, 0, m.slot_version, m.quantity, m.on_hand_after, m.reason, m.order_id, m.user_id, m.at
from scale.movements m
where m.chunk = $1::int
order by m.number
