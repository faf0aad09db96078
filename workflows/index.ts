export { cycle } from './cycle';
export { cycleTick } from './cycle-tick';
export { fill } from './fill';
export { reconcile } from './reconcile';
export { retention } from './retention';
export { shadow } from './shadow';
export { tick } from './tick';
