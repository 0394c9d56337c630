import { registerMessageAction } from "@mail/core/common/message_actions";
import { _t } from "@web/core/l10n/translation";

/** Documents whose messages may tell of a need. */
const MODELS = ["res.partner", "crm.lead", "sale.order"];

registerMessageAction("sales-need", {
    condition: ({ message, thread, store }) =>
        store.sales_can_note_needs && MODELS.includes(thread?.model) && !message.isEmpty && !message.isNotification,
    icon: "fa fa-lightbulb-o",
    name: _t("Note as Need"),
    onSelected: async ({ message, store }) => {
        const { orm, action } = store.env.services;
        return action.doAction(await orm.call("mail.message", "action_note_sales_need", [[message.id]]));
    },
    sequence: 95,
});
