-- The payment status is a function of total, credited, paid and refunded amount, of a grace or a receipt while something is due, and of a surplus while nothing is.
begin;
select plan(27);

select is(ledger.payment_status_of(total, credited, paid, refunded), status, sentence)
from (values
  (100, 0, 0, 0, 'unpaid', 'nothing paid'),
  (100, 0, 40, 0, 'partially_paid', 'a part'),
  (100, 0, 100, 0, 'paid', 'all of it'),
  (100, 0, 120, 0, 'overpaid', 'more'),
  (100, 0, 120, 20, 'paid', 'more, of which the surplus went back'),
  (100, 0, 40, 40, 'unpaid', 'a part that went back'),
  (100, 30, 0, 0, 'unpaid', 'a part taken back before anything was paid'),
  (100, 30, 70, 0, 'paid', 'what was not taken back is paid'),
  (100, 30, 100, 30, 'partially_refunded', 'a part taken back and its money with it'),
  (100, 100, 100, 100, 'refunded', 'all of it'),
  (100, 100, 0, 0, 'unpaid', 'taken back whole and never paid'),
  (0, 0, 0, 0, 'paid', 'what costs nothing'),
  (0, 0, 100, 100, 'paid', 'edited down to what costs nothing'),
  (0, 0, 100, 40, 'overpaid', 'and not all of it went back yet'),
  (100, 100, 100, 0, 'overpaid', 'taken back whole, its money still there'),
  (100, 60, 50, 10, 'partially_refunded', 'a part paid, a larger one taken back')) v (total, credited, paid, refunded, status, sentence);

select is(ledger.payment_status_of(total, credited, paid, refunded, present), status, sentence)
from (values
  (100, 0, 0, 0, 'in_grace', 'in_grace', 'a grace stays while nothing is paid'),
  (100, 0, 40, 0, 'in_grace', 'in_grace', 'and while a part is paid'),
  (100, 30, 40, 10, 'in_grace', 'in_grace', 'and when a part was taken back'),
  (100, 0, 100, 0, 'in_grace', 'paid', 'and is over when nothing is due'),
  (100, 60, 40, 0, 'in_grace', 'paid', 'by whatever'),
  (100, 0, 40, 0, 'receipt_uploaded', 'receipt_uploaded', 'a receipt is looked at while something is due'),
  (100, 0, 120, 0, 'receipt_uploaded', 'overpaid', 'and no longer'),
  (100, 0, 100, 0, 'overpaid', 'overpaid', 'a surplus that went into the wallet is remembered while nothing is due'),
  (100, 0, 90, 0, 'overpaid', 'partially_paid', 'and no longer'),
  (100, 30, 100, 30, 'overpaid', 'partially_refunded', 'nor when money went back'),
  (100, 0, 40, 0, 'paid', 'partially_paid', 'nothing else stays')) v (total, credited, paid, refunded, present, status, sentence);

select * from finish();
rollback;
