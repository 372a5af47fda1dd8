-- Public keys of applications; aliases that the operator keeps; what a principal asks of its data.

-- A key that verifies the tokens which an application's backend signs. `public` is hexadecimal:
-- 32 bytes (EdDSA) or an uncompressed point (ES256). A revoked key stays, as its newest version.
create table public_key (
    kid text not null constraint public_key_pk primary key,
    app text not null constraint public_key_app references application (id),
    name text not null,
    alg text not null,
    public text not null,
    scopes text not null,
    created_at bigint not null,
    revoked_at bigint,
    version bigint not null
);
create index public_key_by_app on public_key (app, kid);

-- Aliases that nobody may choose, in lower case.
create table reserved_alias (
    name text not null constraint reserved_alias_pk primary key,
    reason text not null,
    created_at bigint not null
);

-- The user of the application who made the link; null when its service did, or once erased.
alter table link add column creator text;
-- The erasure that emptied the row: clicks that arrive later are not counted.
alter table link add column erased_by bigint;
create index link_by_creator on link (app, creator, id) where creator is not null;
create index link_by_erasure on link (erased_by) where erased_by is not null;

-- A request for the export or the erasure of what one subject of an application owns.
create table privacy_request (
    id bigint not null constraint privacy_request_pk primary key,
    kind text not null,
    app text not null constraint privacy_request_app references application (id),
    subject text not null,
    created_at bigint not null,
    done_at bigint
);
create index privacy_request_by_subject on privacy_request (app, subject);
create index privacy_request_by_end on privacy_request (done_at) where done_at is not null;

-- What one product has done of it. `place` is the product's own: where it goes on after a crash.
create table privacy_part (
    request bigint not null,
    product text not null,
    state text not null,
    basis text,
    place text not null,
    counts text not null,
    attempts bigint not null,
    due bigint not null,
    constraint privacy_part_pk primary key (request, product)
);
create index privacy_part_due on privacy_part (due) where state in ('queued', 'running');

-- What was exported, a record of JSON each, numbered in the order of its making.
create table privacy_item (
    request bigint not null,
    seq bigint not null,
    body text not null,
    constraint privacy_item_pk primary key (request, seq)
);
