-- payments: what an application's own lists and its own check are found by.

create index account_by_app on account (app, id);
create index reconciliation_by_app on reconciliation (app, id);
