import { Component } from "@odoo/owl";

/** The most frequent paths, each with a bar for its share of the orders. */
export class ProcessVariants extends Component {
    static template = "sms_addon.ProcessVariants";
    static props = { variants: Array, onVariantClick: Function };
}
