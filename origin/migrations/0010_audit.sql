-- The audit, and the subjects whose names stand aside of it.
-- What must never change is frozen by the triggers of sqlite/1010 and postgres/1010.

-- Who changed what, when and from where; each row's hash covers the hash before it.
create table audit (
    n bigint not null constraint audit_pk primary key,
    at bigint not null,
    app text not null,
    who text not null,
    action text not null,
    object text not null,
    place text not null,
    request text not null,
    data text not null,
    hash text not null
);
create index audit_by_object on audit (object, n);
create index audit_by_who on audit (who, n);

-- The end of the chain; whoever appends holds this row.
create table audit_head (
    one bigint not null constraint audit_head_pk primary key,
    n bigint not null,
    hash text not null,
    constraint audit_head_is_one check (one = 1)
);
insert into audit_head (one, n, hash) values (1, 0, '');

-- A user of an application, by the pseudonym under which it stands in the ledger and in the audit.
-- `lookup` is a MAC of its name under DATA_KEY; `key` is the subject's own key, sealed under it. An
-- erasure destroys both: what lies sealed in any backup is then noise.
create table subject (
    pseudonym text not null constraint subject_pk primary key,
    app text not null,
    lookup text,
    key text,
    created_at bigint not null,
    destroyed_at bigint
);
create unique index subject_by_lookup on subject (app, lookup) where lookup is not null;

-- What is personal, sealed under the subject's key.
create table subject_field (
    subject text not null,
    name text not null,
    sealed text not null,
    constraint subject_field_pk primary key (subject, name)
);

-- What users did themselves; a service's rows are in none of these.
create index account_by_subject on account (created_by, id) where substr(created_by, 1, 8) = 'subject:';
create index transfer_by_subject on transfer (made_by, id) where substr(made_by, 1, 8) = 'subject:';
create index transfer_ended_by_subject on transfer (settled_by, id)
where substr(settled_by, 1, 8) = 'subject:';
