begin;
select plan(6);
select tests.create_customer('alice'), tests.create_customer('bob');
select tests.invoice_customer('now', 'alice', 'a x 1 at 500'), tests.invoice_customer('paid', 'alice', 'a x 1 at 500'), tests.invoice_customer('bobs', 'bob', 'a x 1 at 100');
select tests.expect_success(i) from public.ledger_issue_invoice(p_user_id => tests.get_supabase_uid('alice'), p_lines => tests.invoice_lines('a x 1 at 300'), p_due_at => now() - interval '40 days', p_reference => 'late') i;
select tests.pay_invoice('paid', 500), tests.pay_invoice('late', 100);
select tests.authenticate_as('alice');
select results_eq($$ select reference, remaining_amount, status, days_overdue from public.open_invoices order by due_at $$,
  $$ values ('late', 200::bigint, 'partial', 40), ('now', 500, 'unpaid', 0) $$, 'a customer sees what they have left to pay, and how late it is');
select tests.authenticate_as('bob');
select is((select count(*)::int from public.open_invoices), 1, 'nobody else''s');
select tests.clear_authentication();
select throws_ok('select * from public.open_invoices', '42501', null, 'visitors none');
select tests.act_as_owner();
select is((select sum(o.remaining_amount) from public.open_invoices o), 800::numeric, 'together what is owed');
select is((select v.success from public.ledger_void_invoice(tests.invoice_id('now')) v), true, 'a void one');
select is((select count(*)::int from public.open_invoices o where o.reference = 'now'), 0, 'is not open');
select * from finish();
rollback;
