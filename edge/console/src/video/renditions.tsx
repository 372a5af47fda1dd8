// The renditions: how far each is, and what it cost.
//
// Invariant: in the ladder's order; the sums are the API's. Refused: money, which the API does not
// know.

import { asNumber } from "../ui/when";
import type { Cost, Rendition, Video } from "./types";
import { Bar } from "./upload";
import { asBytes, asRate, renditionWords } from "./words";

function Costs({ cost }: { cost: Cost }) {
  return (
    <>
      <div>
        <dt>CPU</dt>
        <dd>{asNumber(cost.cpu_s)} s</dd>
      </div>
      <div>
        <dt>Stored</dt>
        <dd>{asBytes(cost.bytes_stored)}</dd>
      </div>
      <div>
        <dt>Served</dt>
        <dd>{asBytes(cost.bytes_served)}</dd>
      </div>
    </>
  );
}

function Item({ rendition }: { rendition: Rendition }) {
  const { name, codec, average_bandwidth, progress, cost } = rendition;
  return (
    <li data-name={name}>
      <div class="head">
        <h3>{renditionWords(rendition)}</h3>
        <p class="hint">
          <code>{codec || name}</code>
        </p>
        {progress < 100 && <Bar name={`Transcoding of ${name}`} part={progress / 100} />}
      </div>
      <dl class="figures">
        <div>
          <dt>Bitrate</dt>
          <dd>{asRate(average_bandwidth)}</dd>
        </div>
        <Costs cost={cost} />
      </dl>
    </li>
  );
}

export function Renditions({ video }: { video: Video }) {
  return (
    <section class="numbers" aria-labelledby="renditions">
      <h2 id="renditions">Renditions and what they cost</h2>
      {video.renditions.length === 0 && <p class="hint">None yet.</p>}
      <ul class="renditions">
        {video.renditions.map((each) => (
          <Item key={each.name} rendition={each} />
        ))}
        <li class="whole">
          <div class="head">
            <h3>The whole video</h3>
          </div>
          <dl class="figures">
            <Costs cost={video.cost} />
          </dl>
        </li>
      </ul>
    </section>
  );
}
