-- payments: what an application's own lists and its own check are found by.

create index account_by_app on account (app, id);
create index transfer_debit_pending on transfer (debit, id) where status = 1;
create index transfer_credit_pending on transfer (credit, id) where status = 1;
create index reconciliation_by_app on reconciliation (app, id);
