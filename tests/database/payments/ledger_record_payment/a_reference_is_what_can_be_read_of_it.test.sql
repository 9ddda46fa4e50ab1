-- Names of transfers are copied from banking apps and PDFs, with characters that nobody sees and dashes of all kinds.
begin;
select plan(37);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.place_named_order('a', 'alice', tests.lines('mug x 9'), 'bank_transfer');
select is(ledger.reference_key('TRX' || chr(c.code) || '1'), 'TRX1', format('U+%s is left out', upper(lpad(to_hex(c.code), 4, '0'))))
from unnest('{32, 160, 173, 1564, 6158, 8199, 8203, 8204, 8205, 8206, 8207, 8208, 8209, 8210, 8211, 8212, 8213, 8234, 8238, 8239, 8288, 8294, 8297, 8722, 12288, 65279, 65293}'::int[]) c (code);
select isnt(ledger.reference_key('TRX.1'), 'TRX1', 'a full stop can be read');
select isnt(ledger.reference_key('TRX_1'), 'TRX1', 'and so can an underscore');

-- shown by a receipt, recorded by hand: one transfer
select tests.submit_receipt('alice', 'a', 1000, chr(8207) || 'TRX' || chr(8204) || '1');
select tests.expect_success(r) from ledger_review_receipt((select r.id from payment_receipts r), 'approve') r;
select is(tests.outcome(null, format('ledger_record_payment(tests.order_id(''a''), 1000, p_reference => %L)', 'TRX' || chr(8209) || '1')),
  'payment_reference_used', 'a transfer that was shown is not recorded again, however it is copied');
select is(tests.outcome('alice', format('ledger_submit_receipt(tests.order_id(''a''), 1000, %L)', 'trx' || chr(8211) || '1')),
  'payment_reference_used', 'nor shown again');

-- a reference of which nothing is left names nothing
select is(tests.outcome(null, format('ledger_record_payment(tests.order_id(''a''), 1, p_reference => %L)', c.reference)), c.expected,
          format('a payment called %s: %s', to_json(c.reference), c.expected))
from (values ('-', 'invalid_argument'), (' -- ', 'invalid_argument'), (chr(8207), 'invalid_argument'), (' ', 'success')) c (reference, expected);
select is(tests.outcome('alice', format('ledger_submit_receipt(tests.order_id(''a''), 1, %L)', chr(8212))), 'invalid_argument', 'nor does a receipt of dashes');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
