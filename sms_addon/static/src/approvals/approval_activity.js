import { Activity } from "@mail/core/web/activity";
import { ActivityListPopoverItem } from "@mail/core/web/activity_list_popover_item";
import { user } from "@web/core/user";
import { patch } from "@web/core/utils/patch";

/** An approval is decided, not done: its buttons ask the server, and the activity goes when the decision is made. */
const approval = {
    get isSalesApproval() {
        return this.props.activity.activity_category === "sales_approval";
    },

    get mayDecide() {
        return this.props.activity.user_id?.id === user.userId;
    },

    async approveSales() {
        await this.env.services.orm.call("mail.activity", "action_sales_approve", [[this.props.activity.id]]);
        await this.reloadSales();
    },

    async refuseSales() {
        const action = await this.env.services.orm.call("mail.activity", "action_sales_refuse", [[this.props.activity.id]]);
        await this.env.services.action.doAction(action, { onClose: () => this.reloadSales() });
    },

    async reloadSales() {
        const { res_model: model, res_id: id } = this.props.activity;
        const thread = this.env.services["mail.store"].Thread.insert({ model, id });
        await this.props.onActivityChanged?.(thread);
        await thread.fetchNewMessages();
        this.props.reloadParentView?.();
    },
};

// `patch` takes what is defined, getters too, but each component needs an object of its own
for (const component of [Activity, ActivityListPopoverItem]) {
    patch(component.prototype, Object.defineProperties({}, Object.getOwnPropertyDescriptors(approval)));
}
