import { ADAPTER_BUGS } from './adapter-bugs';
import { FORECAST_BUGS } from './forecast-bugs';
import { FOUND_BUGS } from './found-bugs';
import { INGEST_BUGS } from './ingest-bugs';
import { PUBLISH_BUGS } from './publish-bugs';

export const ALL_BUGS = [...INGEST_BUGS, ...FORECAST_BUGS, ...PUBLISH_BUGS, ...ADAPTER_BUGS, ...FOUND_BUGS];
