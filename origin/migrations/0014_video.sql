-- video: sources in parts, the plan of each, jobs that are leased, what came of them.

create table video (
    id bigint not null constraint video_pk primary key,
    app text not null,
    creator text,
    title text,
    visibility text not null,
    -- JSON, as callers write it.
    policy text not null,
    -- uploading, queued, transcoding, ready, failed
    status text not null,
    -- JSON: code, detail.
    failure text,
    -- Raised by every change that the edge must hear of.
    version bigint not null,
    -- Raised by every new encoding; stands in the names of objects.
    generation bigint not null,
    upload_length bigint,
    upload_offset bigint not null,
    upload_expires_at bigint not null,
    -- JSON: what every worker must know of it; null until the source was looked at.
    plan text,
    -- JSON: language and label of each.
    captions text not null,
    storyboard bigint not null,
    events bigint not null,
    created_at bigint not null,
    started_at bigint,
    ready_at bigint,
    deleted_at bigint,
    -- Then the last object was gone.
    purged_at bigint
);

create index video_by_app on video (app, id);
create index video_by_creator on video (app, creator) where creator is not null;
create index video_by_expiry on video (upload_expires_at) where status = 'uploading';
create index video_to_purge on video (deleted_at) where deleted_at is not null and purged_at is null;

-- The source's bytes, in the order of `start`, without a gap.
create table video_part (
    video bigint not null,
    start bigint not null,
    bytes bigint not null,
    object text not null,
    constraint video_part_pk primary key (video, start)
);

-- One thing for one worker. `done`: 0 open, 1 done, 2 given up.
create table video_job (
    id bigint not null constraint video_job_pk primary key,
    video bigint not null,
    app text not null,
    -- 0: somebody waits for it; 1: after those.
    later bigint not null,
    stage bigint not null,
    -- JSON.
    work text not null,
    done bigint not null,
    attempts bigint not null,
    due bigint not null,
    leased_until bigint not null,
    holder text,
    -- JSON: the segments that were made.
    result text,
    cpu_ms bigint not null,
    error text
);

create index video_job_open on video_job (app, later, video, stage) where done = 0;
create index video_job_by_video on video_job (video, stage);

create table video_rendition (
    video bigint not null,
    name text not null,
    codec text not null,
    -- SHA-256 of the init segment: every piece must give the same.
    init text not null,
    cpu_ms bigint not null,
    bytes_stored bigint not null,
    bytes_served bigint not null,
    constraint video_rendition_pk primary key (video, name)
);

create table video_event (
    video bigint not null,
    n bigint not null,
    at bigint not null,
    kind text not null,
    detail text not null,
    constraint video_event_pk primary key (video, n)
);

-- When each application last got a slot: who waited longest is next.
create table video_turn (
    app text not null constraint video_turn_pk primary key,
    served_at bigint not null
);
