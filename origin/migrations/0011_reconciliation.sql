-- payments: reconciliations of a ledger account with what a bank or a gateway says of it.

-- state: 0 running, 1 done, 2 failed. source: upload, directory, or a gateway's name. Moments: the
-- entries that were looked at are those made after from_at, up to until_at.
create table reconciliation (
    id bigint not null constraint reconciliation_pk primary key,
    account bigint not null,
    app text not null,
    source text not null,
    format text not null,
    digest text not null,
    state bigint not null,
    why text,
    window_days bigint not null,
    from_at bigint not null,
    until_at bigint not null,
    day bigint not null,
    closes bigint not null,
    ours bigint not null,
    theirs bigint not null,
    -- How many findings of each kind, and the drift of each currency, as JSON.
    counts text not null,
    drift text not null,
    created_at bigint not null,
    created_by text not null,
    created_request text not null,
    done_at bigint
);
-- The same file about the same account is the same reconciliation.
create unique index reconciliation_once on reconciliation (account, digest) where state <> 2;
-- One at a time per account, or per gateway.
create unique index reconciliation_running on reconciliation (account, source) where state = 0;

-- What was found, but for the pairs that match one to one.
create table reconciliation_finding (
    reconciliation bigint not null,
    n bigint not null,
    kind bigint not null,
    -- The entries' numbers and the statement's lines, as JSON.
    ours text not null,
    theirs text not null,
    amount_ours bigint,
    amount_theirs bigint,
    currency text not null,
    constraint reconciliation_finding_pk primary key (reconciliation, n)
);

-- Entries that a statement has confirmed: no later one is held against them.
create table reconciled_entry (
    entry bigint not null constraint reconciled_entry_pk primary key,
    reconciliation bigint not null
);

-- Entries that a statement should have had: held against later ones, until one confirms them.
create table open_entry (
    entry bigint not null constraint open_entry_pk primary key,
    account bigint not null
);
create index open_entry_by_account on open_entry (account);

-- Statement lines by the bank's own number: a later file that repeats one says nothing new.
create table statement_line (
    account bigint not null,
    id text not null,
    reconciliation bigint not null,
    constraint statement_line_pk primary key (account, id)
);

-- Days that are closed: what comes later belongs to the next one.
create table closed_day (
    account bigint not null,
    -- A gateway's name, where the account is 0.
    source text not null,
    day bigint not null,
    until_at bigint not null,
    reconciliation bigint not null,
    closed_at bigint not null,
    constraint closed_day_pk primary key (account, source, day)
);

-- The accounts that the operator wants reconciled by themselves: their statements come as files.
create table statement_account (
    account bigint not null constraint statement_account_pk primary key,
    -- The bank's name of the account, as its statements say it: an IBAN without blanks.
    bank_account text not null,
    created_at bigint not null
);
create unique index statement_account_by_name on statement_account (bank_account);

-- Files of the directory that were read, or refused, by what they hold.
create table statement_file (
    digest text not null constraint statement_file_pk primary key,
    name text not null,
    refused text,
    at bigint not null
);

-- What is expected each day of each source, and whether somebody was told that it is missing.
create table daily_close (
    account bigint not null,
    source text not null,
    next_day bigint not null,
    alerted_day bigint,
    due bigint not null,
    attempts bigint not null,
    constraint daily_close_pk primary key (account, source)
);

-- The account in which a drift waits for its explanation, when somebody proposes so.
create table suspense_account (
    app text not null,
    currency text not null,
    account bigint not null,
    constraint suspense_account_pk primary key (app, currency)
);
