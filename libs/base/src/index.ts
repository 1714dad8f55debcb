export { systemClock, type Clock, type Timer } from './clock';
export { inexactNumber } from './json-numbers';
export { Lifecycle, StartGivenUp, type Part } from './lifecycle';
export { baseLimits } from './limits';
export { silentLogger, type LogFields, type Logger } from './logger';
export { MemoryBudget } from './memory-budget';
export { memoryMetrics, observeMemory, type MemoryUse } from './memory-metrics';
export {
  silentMetrics,
  type Counter,
  type CounterCell,
  type Gauge,
  type GaugeCell,
  type Histogram,
  type HistogramCell,
  type HistogramOptions,
  type Labelled,
  type MetricDefinition,
  type MetricLabels,
  type MetricOptions,
  type Metrics,
  type MetricsText,
  type Tell,
} from './metrics';
export { Periodic, type PeriodicOptions } from './periodic';
export { systemRandom, type Random } from './random';
export { Sampler, type SamplerOptions } from './sampler';
export { SparePool, type SparePoolOptions } from './spare-pool';
export { TroubleLog, type TroubleOptions } from './trouble-log';
