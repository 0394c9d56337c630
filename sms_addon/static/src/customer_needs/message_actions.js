import { registerMessageAction } from "@mail/core/common/message_actions";
import { _t } from "@web/core/l10n/translation";
import { user } from "@web/core/user";

/** What may be said of a need, and is of a customer. */
const MODELS = ["res.partner", "crm.lead", "sale.order"];

registerMessageAction("sales-need", {
    condition: ({ message, thread, store }) =>
        MODELS.includes(thread?.model) && !message.isEmpty && message.persistent && store.sales_can_note_needs,
    icon: "fa fa-lightbulb-o",
    name: _t("Note as Need"),
    onSelected: async ({ message, owner }) => {
        const action = await owner.env.services.orm.call("mail.message", "action_note_sales_need", [[message.id]]);
        return owner.env.services.action.doAction(action);
    },
    sequence: 95,
});
