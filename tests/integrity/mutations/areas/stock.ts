import type { Mutation } from '../mutation.ts';

/** Units on hand, held and on their way. */
export const stock: Mutation[] = [
  {
    what: 'a stolen unit',
    statement: 'update public.stock_levels set on_hand = on_hand - 1 where variant_id = <MUG>',
    found: [
      'stock_equals_last_movement MUG/0',
      'stock_equals_movements MUG/0',
      'stock_replays_from_events MUG on_hand',
    ],
    repaired: ['stock_levels'],
  },
  {
    what: 'a stolen unit with its movement',
    statement: `with taken as (update public.stock_levels set on_hand = on_hand - 1, version = version + 1 where variant_id = <MUG> returning *)
      insert into public.stock_movements (variant_id, slot, slot_version, quantity, on_hand_after, reason)
      select variant_id, slot, version, -1, on_hand, 'damaged' from taken`,
    found: ['stock_replays_from_events MUG on_hand'],
  },
  {
    what: 'a unit that lies in the other slot',
    statement:
      'update public.stock_levels set on_hand = on_hand + case slot when 0 then 1 else -1 end where variant_id = <HOT>',
    found: [
      'stock_equals_last_movement HOT/free',
      'stock_equals_last_movement HOT/held',
      'stock_equals_movements HOT/free',
      'stock_equals_movements HOT/held',
    ],
    repaired: ['stock_levels'],
  },
  {
    what: 'a level at an older version',
    statement: 'update public.stock_levels set version = version - 1 where variant_id = <TEA>',
    found: ['stock_equals_last_movement TEA/0', 'stock_equals_movements TEA/0'],
    repaired: ['stock_levels'],
  },
  {
    what: 'a level that is gone',
    statement: 'delete from public.stock_levels where variant_id = <DYE>',
    found: [
      'movement_refers_to_what_is_there DYE/0/1',
      'movement_refers_to_what_is_there DYE/0/2',
      'stock_replays_from_events DYE on_hand',
      'variant_has_stock DYE',
    ],
    repaired: ['stock_levels'],
  },
  {
    what: 'a movement that is gone',
    statement: `delete from public.stock_movements where variant_id = <TEA> and order_id = <order rita 2> and reason = 'order_cancelled'`,
    found: [
      'movements_add_up TEA/0/9',
      'restocked_refunds_equal_movements order rita 2/TEA',
      'stock_equals_movements TEA/0',
    ],
  },
  {
    what: 'a movement of other units',
    statement: `update public.stock_movements set quantity = quantity - 1 where variant_id = <RUG> and reason = 'order_placed'`,
    found: [
      'movements_add_up RUG/0/2',
      'sold_equals_order_movements order market/RUG',
      'stock_equals_movements RUG/0',
    ],
  },
  {
    what: 'two movements that exchange their units',
    statement: `update public.stock_movements set quantity = case order_id when <order ann 6> then -1 else -3 end
      where variant_id = <MUG> and reason = 'order_placed' and order_id in (<order ann 6>, <order bob 1>)`,
    found: [
      'movements_add_up MUG/0/5',
      'movements_add_up MUG/0/9',
      'sold_equals_order_movements order ann 6/MUG',
      'sold_equals_order_movements order bob 1/MUG',
    ],
  },
  {
    what: 'a movement that left other units behind',
    statement: `update public.stock_movements set on_hand_after = on_hand_after + 1 where variant_id = <MUG> and order_id = <order carol 1>`,
    found: [
      'movements_add_up MUG/0/10',
      'movements_add_up MUG/0/6',
      'movements_add_up MUG/0/7',
      'stock_equals_last_movement MUG/0',
    ],
  },
  {
    what: 'sold units said to be of another order',
    statement: `update public.stock_movements set order_id = <order bob 1> where variant_id = <MUG> and order_id = <order ann 6> and reason = 'order_placed'`,
    found: [
      'sold_equals_order_movements order ann 6/MUG',
      'sold_equals_order_movements order bob 1/MUG',
    ],
  },
  {
    what: 'fewer units held than reserved',
    statement:
      'update public.stock_levels set held = held - 1 where variant_id = <HOT> and held > 0',
    found: ['held_equals_active_reservations HOT/held', 'stock_replays_from_events HOT held'],
    repaired: ['stock_levels'],
  },
  {
    what: 'a reservation of one more',
    statement:
      'update public.stock_reservation_lines set quantity = quantity + 1 where reservation_id = <reservation ann 1>',
    found: ['held_equals_active_reservations HOT/held'],
  },
  {
    what: 'a reservation that ended without its units',
    statement: `update public.stock_reservations set status = 'expired', ended_at = clock_timestamp() where id = <reservation ann 1>`,
    found: ['held_equals_active_reservations HOT/held'],
  },
  {
    what: 'a reservation without its lines',
    statement:
      'delete from public.stock_reservation_lines where reservation_id = <reservation ann 1>',
    found: ['held_equals_active_reservations HOT/held'],
  },
  {
    what: 'a backorder said to be given up',
    statement:
      'update public.backorders set dropped_quantity = dropped_quantity + 1 where order_id = <order ann 5>',
    found: ['backorder_dropped_by_refunds order ann 5/SOFA'],
  },
  {
    what: 'a backorder of less',
    statement:
      'update public.backorders set quantity = quantity - 1 where order_id = <order ann 5>',
    found: ['sold_equals_order_movements order ann 5/SOFA'],
  },
  {
    what: 'a backorder that is gone',
    statement: 'delete from public.backorders where order_id = <order ann 5>',
    found: ['sold_equals_order_movements order ann 5/SOFA'],
  },
];
