export { cycle } from './cycle';
export { cycleTick } from './cycle-tick';
export { fill } from './fill';
export { reconcile } from './reconcile';
export { reviewSymbols } from './review-symbols';
export { retention } from './retention';
export { tick } from './tick';
