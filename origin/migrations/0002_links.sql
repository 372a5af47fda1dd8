-- links: a row per code that was ever issued, and its clicks by the hour.

-- The next id that no replica has taken.
create table code_range (
    id bigint not null constraint code_range_pk primary key,
    next bigint not null
);
insert into code_range (id, next) values (1, 0);

create table link (
    id bigint not null constraint link_pk primary key,
    domain bigint not null,
    code text not null,
    app text not null constraint link_app references application (id),
    long_url text not null,
    redirect bigint not null,
    title text,
    tags text not null,
    created_at bigint not null,
    expires_at bigint,
    deleted_at bigint,
    version bigint not null,
    constraint link_code_unique unique (domain, code)
);
create index link_by_app on link (app, id);

-- Counts per link, hour and dimension; `value` is empty where the dimension has one value only.
create table click_hour (
    link bigint not null,
    hour bigint not null,
    dimension bigint not null,
    value text not null,
    count bigint not null,
    constraint click_hour_pk primary key (link, hour, dimension, value)
);
