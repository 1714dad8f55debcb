import type { Counter, CounterCell, HistogramCell, Metrics } from '@sluice/base';
import { errorInfo, type Api } from '@sluice/wire';
import { brokerMetrics } from '../metrics';

/** What is measured of the requests of one API. */
export class ApiMeter {
  readonly requests: CounterCell;
  readonly requestBytes: CounterCell;
  readonly replyBytes: CounterCell;
  readonly seconds: HistogramCell;
  /** By error code, moved by one: the lowest is −1. */
  readonly #errors: (CounterCell | undefined)[] = [];

  constructor(
    metrics: Metrics,
    private readonly errors: Counter,
    private readonly api: string,
  ) {
    this.requests = metrics.counter(brokerMetrics.requests).with({ api });
    this.requestBytes = metrics.counter(brokerMetrics.requestBytes).with({ api });
    this.replyBytes = metrics.counter(brokerMetrics.replyBytes).with({ api });
    this.seconds = metrics.histogram(brokerMetrics.seconds).with({ api });
  }

  /** An error code is in a reply. */
  readonly failed = (errorCode: number): void => {
    this.#cellOf(errorCode).add(1);
  };

  #cellOf(errorCode: number): CounterCell {
    const known = this.#errors[errorCode + 1];
    if (known !== undefined) return known;
    const { code, name: error } = errorInfo(errorCode);
    const cell = (this.#errors[code + 1] ??= this.errors.with({ api: this.api, error }));
    return cell;
  }
}

/** What is measured of all requests. */
export class RequestMeter {
  readonly #errors: Counter;
  /** By API key. */
  readonly #apis: (ApiMeter | undefined)[] = [];

  constructor(private readonly metrics: Metrics) {
    this.#errors = metrics.counter(brokerMetrics.errors);
  }

  /** Of an API that is served. */
  of({ key, name }: Api): ApiMeter {
    return (this.#apis[key] ??= new ApiMeter(this.metrics, this.#errors, name));
  }
}
