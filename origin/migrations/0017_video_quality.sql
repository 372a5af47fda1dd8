-- How videos went for their viewers: sums by the hour, country and device. No viewer stands in it.

create table video_quality (
    video bigint not null,
    -- Unix milliseconds; a whole hour of UTC.
    hour bigint not null,
    -- ISO 3166-1, or `??`.
    country text not null,
    -- mobile, desktop, tv, other
    device text not null,
    plays bigint not null,
    startup_ms bigint not null,
    watched_ms bigint not null,
    stalled_ms bigint not null,
    stalls bigint not null,
    kbits bigint not null,
    constraint video_quality_pk primary key (video, hour, country, device)
);

create index video_quality_by_hour on video_quality (hour);
