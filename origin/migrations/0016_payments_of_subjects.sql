-- What users paid and had paid out themselves; a service's rows are in neither.
create index payment_event_by_subject on payment_event (made_by, payment)
where n = 1 and substr(made_by, 1, 8) = 'subject:';
create index payout_by_subject on payout (created_by, id)
where substr(created_by, 1, 8) = 'subject:';
