-- payments: accounts, transfers, their entries, and the log that all entries are in.
-- There are no foreign keys between them: each would be a look-up per row of the hottest insert, and
-- the ledger has locked both accounts of every row that it writes. `GET /admin/ledger/check` looks.
-- What must never change is frozen by the triggers of sqlite/1005 and postgres/1005.

create table account (
    id bigint not null constraint account_pk primary key,
    app text not null,
    name text not null,
    currency text not null,
    kind bigint not null,
    limits bigint not null,
    -- Debits less credits; then what pending transfers would debit and credit.
    posted bigint not null,
    debits_held bigint not null,
    credits_held bigint not null,
    -- The number and the time of the last entry.
    entries bigint not null,
    entry_at bigint not null,
    created_at bigint not null,
    created_by text not null,
    created_request text not null,
    closed_at bigint,
    closed_by text,
    closed_request text
);

-- status: 0 posted, 1 pending, 2 voided, 3 expired. held: 1 when it was made as a hold.
create table transfer (
    id bigint not null constraint transfer_pk primary key,
    debit bigint not null,
    credit bigint not null,
    amount bigint not null,
    currency text not null,
    purpose bigint not null,
    reference text,
    status bigint not null,
    held bigint not null,
    expires_at bigint,
    posted bigint,
    made_at bigint not null,
    made_by text not null,
    made_request text not null,
    settled_at bigint,
    settled_by text,
    settled_request text
);
create index transfer_due on transfer (expires_at) where status = 1 and expires_at is not null;
create index transfer_debit_held on transfer (debit, made_at) where held = 1;
create index transfer_credit_held on transfer (credit, made_at) where held = 1;

-- The number is the shard (10 bits) and the place in its log (48 bits). Time and number rise
-- together within an account, so that one index answers "the last ones" and "at that moment".
create table entry (
    id bigint not null constraint entry_pk primary key,
    account bigint not null,
    n bigint not null,
    transfer bigint not null,
    amount bigint not null,
    balance bigint not null,
    at bigint not null
);
create unique index entry_by_account on entry (account, at, n);

-- The end of each shard's log: the chain, and the tree's peaks (hexadecimal digits).
create table ledger_head (
    shard bigint not null constraint ledger_head_pk primary key,
    size bigint not null,
    chain text not null,
    peaks text not null
);

-- Complete subtrees of 256 entries and more.
create table ledger_node (
    shard bigint not null,
    level bigint not null,
    n bigint not null,
    hash text not null,
    constraint ledger_node_pk primary key (shard, level, n)
);

-- Heads that were signed; the check holds the log against each of them.
create table signed_head (
    shard bigint not null,
    size bigint not null,
    root text not null,
    chain text not null,
    at bigint not null,
    key text not null,
    signature text not null,
    constraint signed_head_pk primary key (shard, size)
);
