import { Controller, Inject, Param } from '@nestjs/common';
import { describeBrokerConfigs } from '@sluice/broker';
import type { AdminParts } from '../admin-parts';
import { Endpoint } from '../http/endpoint';
import { Problem } from '../http/problems';
import { ADMIN_PARTS } from '../tokens';
import { configList, ConfigList } from '../topics/config.views';
import { BrokerList, BrokerView } from './broker.views';

/** Brokers; so far the one that answers. */
@Controller({ path: 'brokers', version: '1' })
export class BrokersController {
  constructor(@Inject(ADMIN_PARTS) private readonly parts: AdminParts) {}

  @Endpoint('GET', '', { role: 'read', summary: 'List brokers', answers: () => BrokerList })
  listBrokers(): BrokerList {
    return { brokers: [this.#own()] };
  }

  @Endpoint('GET', ':broker', {
    role: 'read',
    summary: 'Describe a broker',
    answers: () => BrokerView,
    problems: ['unknown-broker'],
  })
  describeBroker(@Param('broker') id: string): BrokerView {
    this.#find(id);
    return this.#own();
  }

  @Endpoint('GET', ':broker/configs', {
    role: 'read',
    summary: "List a broker's configs",
    about: "Its settings under Kafka's names, and the defaults of topics. They are read-only.",
    answers: () => ConfigList,
    problems: ['unknown-broker'],
  })
  listBrokerConfigs(@Param('broker') id: string): ConfigList {
    this.#find(id);
    return configList(describeBrokerConfigs(this.parts.broker.services));
  }

  #find(id: string): void {
    const { brokerId } = this.parts.broker.services.options;
    if (id === String(brokerId)) return;
    throw new Problem('unknown-broker', `There is no broker '${id}'; this one is ${brokerId}.`);
  }

  #own(): BrokerView {
    const { broker, version } = this.parts;
    const { options, advertised } = broker.services;
    const { host, port } = advertised;
    const { connectionCount: connections } = broker;
    return { id: options.brokerId, host, port, isController: true, version, connections };
  }
}
