import type { Mutation } from '../mutation.ts';

/** Parcels, returns and what vendors earn. */
export const fulfilment: Mutation[] = [
  {
    what: 'a parcel said to have arrived',
    statement:
      'update public.shipments set delivered_at = clock_timestamp() where id = <shipment ann 2>',
    found: ['delivery_equals_its_event shipment ann 2'],
  },
  {
    what: 'a parcel of a delivered order that is under way again',
    statement: 'update public.shipments set delivered_at = null where id = <shipment dora 1>',
    found: [
      'delivered_order_has_arrived shipment dora 1',
      'delivery_equals_its_event shipment dora 1',
    ],
  },
  {
    what: 'a parcel of more than was ordered',
    statement: 'update public.shipment_lines set quantity = 4 where shipment_id = <shipment ann 2>',
    found: ['shipped_at_most_what_was_ordered order ann 6/1'],
  },
  {
    what: 'a parcel that is gone',
    statement: `with l as (delete from public.shipment_lines where shipment_id = <shipment carol 1>)
      delete from public.shipments where id = <shipment carol 1>`,
    found: [
      'received_at_most_what_was_shipped order carol 1/1',
      'shipped_order_is_out order carol 1/1',
    ],
  },
  {
    what: 'a parcel in the books of somebody else',
    statement: 'update public.shipments set account_id = <bob> where id = <shipment dora 1>',
    found: ['shipment_has_lines_of_its_order shipment dora 1'],
  },
  {
    what: 'a return said to be approved',
    statement: `update public.returns set status = 'approved' where id = <return ann 1>`,
    found: ['return_status_follows_its_lines return ann 1'],
  },
  {
    what: 'a return that more came back of',
    statement:
      'update public.return_lines set restocked_quantity = restocked_quantity + 1 where return_id = <return carol 1>',
    found: [
      'restocked_returns_equal_movements order carol 1/MUG',
      'return_status_follows_its_lines return carol 1',
    ],
  },
  {
    what: 'a return said to have been refunded',
    statement:
      'update public.return_lines set refunded_quantity = 1 where return_id = <return carol 1>',
    found: ['refunded_returns_are_refunded_units order carol 1/1'],
  },
  {
    what: 'a return of somebody else',
    statement: 'update public.returns set user_id = <user bob> where id = <return ann 1>',
    found: ['return_has_lines_of_its_order return ann 1'],
  },
  {
    what: 'a vendor who earned more',
    statement:
      'update public.vendor_earnings set share_amount = share_amount + 100 where id = <earning Weaver>',
    found: [
      'vendor_earnings_equal_lines order market/vendor Weaver',
      'vendor_earnings_equal_transactions earning Weaver',
      'vendor_payable_equals_shares dora',
      'vendor_payable_equals_shares vendor',
    ],
  },
  {
    what: 'a vendor whose share was clawed back',
    statement:
      'update public.vendor_earnings set clawed_back_amount = 10 where id = <earning Dyer>',
    found: [
      'vendor_earnings_equal_lines order market/vendor Dyer',
      'vendor_payable_equals_shares dora',
    ],
  },
  {
    what: 'a share that is gone',
    statement: 'delete from public.vendor_earnings where id = <earning Dyer>',
    found: [
      'vendor_earnings_equal_lines order market/vendor Dyer',
      'vendor_payable_equals_shares dora',
    ],
  },
  {
    what: 'a share of another vendor',
    statement:
      'update public.vendor_earnings set vendor_id = <vendor Potter> where id = <earning Weaver>',
    found: [
      'vendor_earnings_equal_lines order market/vendor Potter',
      'vendor_earnings_equal_lines order market/vendor Weaver',
    ],
  },
];
