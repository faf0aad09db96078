export { cycle } from './cycle';
export { cycleTick } from './cycle-tick';
export { deliverAlert } from './deliver-alert';
export { fill } from './fill';
export { monitor } from './monitor';
export { retention } from './retention';
export { slaDaily } from './sla-daily';
export { tick } from './tick';
