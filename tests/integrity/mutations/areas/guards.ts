import type { Mutation } from '../mutation.ts';

/** What keeps the books as they are, and what carries news of them to the outside. */
export const guards: Mutation[] = [
  {
    what: 'a guard that was left off',
    statement: 'alter table public.postings disable trigger rows_never_change',
    ddl: true,
    found: ['guards_are_on public.postings rows_never_change'],
  },
  {
    what: 'a guard that a restore would switch off',
    statement: 'alter table public.transactions enable trigger rows_never_change',
    ddl: true,
    found: ['guards_are_on public.transactions rows_never_change'],
  },
  {
    what: 'a guard that is gone',
    statement: 'drop trigger values_come_from_procedures on public.stock_levels',
    ddl: true,
    found: ['guards_are_on public.stock_levels values_come_from_procedures'],
  },
  {
    what: 'a guard that lets everything pass',
    statement:
      'create or replace function ledger.refuse_change_of_transaction() returns trigger language plpgsql as $$ begin return new; end $$',
    ddl: true,
    found: ['guards_are_on public.transactions rows_never_change'],
  },
  {
    what: 'a message that is gone',
    statement: 'delete from ledger.outbox where event_id = <event order.placed bob 1>',
    found: ['event_has_its_message event order.placed bob 1'],
  },
  {
    what: 'a message of another event',
    statement:
      'update ledger.outbox set event_id = <event order.placed ann 1> where event_id = <event order.placed bob 1>',
    found: [
      'event_has_its_message event order.placed bob 1',
      'message_has_its_event message of event order.placed bob 1',
    ],
  },
  {
    what: 'a check that was switched off',
    statement: `update public.integrity_checks set enabled = false where code = 'event_has_its_text'`,
    found: ['every_check_is_on event_has_its_text'],
  },
];
