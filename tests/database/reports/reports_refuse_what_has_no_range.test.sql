-- A report reads everything in its range, so the range is bounded; odd arguments are refused and not raised.
begin;
select plan(30);

select tests.create_vendor('Weaver');
create temp table calls (call text, expected text);
insert into calls
select format(f.call, v.range), v.expected
from (values ('report_orders(%s)'), ('report_vendor(tests.vendor_id(''Weaver''), %s)')) f (call),
     (values
       ('now(), now()', 'invalid_argument'),
       ('now(), now() - interval ''1 second''', 'invalid_argument'),
       ('now() - interval ''367 days'', now()', 'invalid_argument'),
       ('''-infinity'', now()', 'invalid_argument'),
       ('now(), ''infinity''', 'invalid_argument'),
       ('null, ''infinity''', 'invalid_argument'),
       ('''-infinity'', null', 'invalid_argument'),
       ('''294276-01-01'', ''294276-12-31''', 'invalid_argument'),
       ('''4713-01-01 BC'', null', 'invalid_argument'),
       ('null, ''4713-01-01 BC''', 'invalid_argument'),
       ('null, null', 'success'),
       ('now() - interval ''366 days'', now()', 'success'),
       ('''9999-12-01'', ''9999-12-31''', 'success'),
       ('''1970-01-01'', ''1970-12-31''', 'success')) v (range, expected);
select is(tests.outcome(null, call), expected, format('%s: %s', call, expected)) from calls;
select is(tests.outcome(null, 'report_orders(p_currency => ''SHELL'')'), 'unknown_currency', 'a currency that is none');
select is(tests.outcome(null, 'report_vendor(''ffffffff-ffff-ffff-ffff-ffffffffffff'')'), 'vendor_not_found', 'a vendor who is not there');

select * from finish();
rollback;
