-- payments: where a payment's review stands, for the list of those that wait for somebody.
alter table payment add column review text;
update payment set review = 'pending' where body like '%"review":{"status":"pending"%';
update payment set review = 'approved' where body like '%"review":{"status":"approved"%';
update payment set review = 'rejected' where body like '%"review":{"status":"rejected"%';
create index payment_by_review on payment (app, review, id) where review is not null;
