import { Controller, Inject, Res, VERSION_NEUTRAL } from '@nestjs/common';
import type { Response } from 'express';
import type { DoorParts } from '../admin-parts';
import { Endpoint } from '../http/endpoint';
import { Problem } from '../http/problems';
import { ADMIN_PARTS } from '../tokens';

/** For Prometheus. */
@Controller({ path: 'metrics', version: VERSION_NEUTRAL })
export class MetricsController {
  constructor(@Inject(ADMIN_PARTS) private readonly parts: DoorParts) {}

  @Endpoint('GET', '', {
    role: 'read',
    summary: 'All metrics, as Prometheus reads them',
    produces: 'text/plain',
    problems: ['no-metrics'],
  })
  async getMetrics(@Res() response: Response): Promise<void> {
    const { metricsText } = this.parts;
    if (!metricsText) throw new Problem('no-metrics', 'This process keeps no metrics.');
    const text = await metricsText.text();
    response.setHeader('Content-Type', metricsText.contentType);
    response.end(text);
  }
}
